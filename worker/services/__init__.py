"""What runs until it is stopped. It alone knows Celery, Redis, and APScheduler."""
