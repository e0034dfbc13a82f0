"""Expand the VIPs as most people write it: pandas, a one-hot encoder, a logistic regression over all customers.

    python pandas_sklearn.py customers.parquet members.csv

Prints one line of JSON: seconds of the imports, of loading the table, and of everything after it.
"""
import json
import sys
import time

began = time.perf_counter()

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

imported = time.perf_counter()

table, members_file = sys.argv[1:]
customers = pd.read_parquet(table)

loaded = time.perf_counter()

fields = [column for column in customers.columns if column not in ("customerId", "vip")]
model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(class_weight="balanced", max_iter=1000))
model.fit(customers[fields], customers["vip"])

others = customers[customers["vip"] == 0]
scores = model.predict_proba(others[fields])[:, 1]
similar = pd.DataFrame({"customerId": others["customerId"], "score": scores})
similar = similar[similar["score"] >= 0.55]
members = similar.sort_values("score", ascending=False).head(int(len(similar) * 0.2))
members.to_csv(members_file, index=False)

ended = time.perf_counter()
print(json.dumps({
    "imports": round(imported - began, 3), "load": round(loaded - imported, 3), "work": round(ended - loaded, 3),
    "customers": len(customers), "candidates": len(similar), "members": len(members),
}))
