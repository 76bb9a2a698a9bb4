"""`neurorun validate` and `neurorun schema`."""

from pathlib import Path

import click

from neurorun.cli.options import ANY_PATH, overrides_option


@click.command()
@click.argument("config", type=ANY_PATH)
@overrides_option
@click.option(
    "--data",
    is_flag=True,
    help="Prepare the data, too, make the first batches, and tell what was found and how fast.",
)
def validate(config: Path, overrides: tuple[str, ...], data: bool) -> None:
    """Check CONFIG and print the resolved plan: what would be done, with every setting.

    Exit code 2 if the configuration is wrong, or with --data if the data cannot be used.
    """
    from neurorun.experiment import inspect_data, load_experiment, resolved_plan

    experiment = load_experiment(config, overrides)
    click.echo(resolved_plan(experiment))
    if data:
        from neurorun.cli.progress import TerminalProgress

        found = inspect_data(experiment, progress=TerminalProgress())
        width = max(map(len, found))
        click.echo("\nThe data:\n")
        for name, value in found.items():
            click.echo(f"{name:<{width}}  {value}")


@click.command()
@click.option("--task", default="seizure_detection", show_default=True, help="Which task.")
def schema(task: str) -> None:
    """Print the JSON Schema of the configuration.

    Editors complete and check a YAML file whose first line is
    "# yaml-language-server: $schema=schema.json".
    """
    from neurorun.core import to_json
    from neurorun.experiment import experiment_model

    click.echo(to_json(experiment_model(task).model_json_schema(), indent=2))
