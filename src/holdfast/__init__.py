"""The backend you declare, with the reliability engineer built in."""
