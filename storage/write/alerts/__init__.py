"""Create, change and delete alerts; match changes; the outbox of deliveries. Nothing is sent
here.
"""
