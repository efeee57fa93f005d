"""Live order books and tickers, recorded as they come: nobody sells them afterwards."""
