"""Keeps the work going: takes in what workers say, takes back what is overdue, sends out what is ready."""
