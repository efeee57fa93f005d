"""How good forecasts are as forecasts, whatever is traded on them."""
