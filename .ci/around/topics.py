"""topics.py KAFKA NAME ...: makes topics."""
import sys

from confluent_kafka.admin import AdminClient, NewTopic

kafka, *names = sys.argv[1:]
admin = AdminClient({"bootstrap.servers": kafka})
for made in admin.create_topics([NewTopic(name, 6, 1) for name in names]).values():
    made.result()
