"""What each demo simulates and with which settings it trains, one module per task."""
