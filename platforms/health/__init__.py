"""What staff hear of although nobody complains: notices, outages and the watchdog."""
