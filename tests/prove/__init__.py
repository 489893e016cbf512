"""`make prove`: trials on the sample company that a sceptical buyer would ask for, on one page."""
