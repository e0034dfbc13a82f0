"""clickhouse.py DATA STATEMENTS QUERY: makes the tables, the first time; takes in what is in Kafka; prints what the query finds."""
import os
import sys
import time

from chdb import session

data, statements, query = sys.argv[1:]
new = not os.path.exists(data)
clickhouse = session.Session(data)
if new:
    clickhouse.query("CREATE DATABASE shop")
clickhouse.query("USE shop")
if new:
    for statement in open(statements).read().split(";\n"):
        if statement.strip():
            clickhouse.query(statement)
time.sleep(10)  # the view follows while this runs; who is not content asks again
for line in str(clickhouse.query(open(query).read().rstrip(";\n"), "TSV")).splitlines():
    member, score, band = line.split("\t")
    print(f"{member}\t{float(score):.4f}\t{band}")
