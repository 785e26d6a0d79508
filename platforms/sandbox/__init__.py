"""The providers' side of the wire, without the providers: for drills, demonstrations and tests."""
