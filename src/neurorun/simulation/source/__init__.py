"""Source plans, clips and leadfields; what they become as examples."""
