"""What `manage.py startplatform` writes: a first adapter for an author to go on from."""
