"""Learns `retriever/weights.json`: `python -m tests.tuning --clinc FILE --help-centre FOLDER`."""
