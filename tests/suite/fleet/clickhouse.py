"""Loads listings into the table of fixtures/fleet/clickhouse and asks its questions.

Arguments: the directory with table.sql and questions.sql, a directory for the data,
the number of rows to load in all; the rest are listings of `postqueue -j --detail`.
The listings are copied, with other hosts and times, until there are enough rows.
Prints a JSON object: the rows of each question, by its name.
"""

import json
import pathlib
import re
import sys

from chdb import session

kit, data, wanted = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
clickhouse = session.Session(data)


def statements(name):
    """The statements of a file, with the word that their comment begins with."""
    for part in (kit / name).read_text(encoding="utf-8").split(";\n"):
        title = re.search(r"^-- ([a-z_]+): ", part, re.M)
        if part.strip():
            yield (title.group(1) if title else ""), part


def rows(query):
    """The rows of a query, as objects."""
    text = clickhouse.query(query, "JSONEachRow").bytes().decode()
    return [json.loads(line) for line in text.splitlines()]


for _, statement in statements("table.sql"):
    clickhouse.query(statement)
for listing in sys.argv[4:]:
    clickhouse.query(
        f"INSERT INTO mail_queue FROM INFILE '{listing}' "
        "SETTINGS date_time_input_format='best_effort' FORMAT JSONEachRow"
    )
answers = {"loaded": rows("SELECT host, count() AS messages FROM mail_queue GROUP BY host ORDER BY host")}
loaded = rows("SELECT count() AS n FROM mail_queue")[0]["n"]
copies = -(-int(wanted) // int(loaded)) - 1
if copies > 0:
    columns = [row["name"] for row in rows("DESCRIBE mail_queue")]
    new = {
        "host": "concat('copy', toString(number % 50), '.example')",
        # Older scans: those that were loaded are the newest.
        "scanned_at": "scanned_at - 60 * (1 + intDiv(number, 50))",
        "sender": "concat('s', toString(number % 1000), '@', sender)",
    }
    selected = ", ".join(f"{new.get(name, name)} AS {name}_" for name in columns)
    clickhouse.query(
        f"INSERT INTO mail_queue SELECT {selected} FROM "
        f"(SELECT * FROM mail_queue) AS original, numbers({copies}) AS copy"
    )
answers["total"] = rows("SELECT count() AS n FROM mail_queue")[0]["n"]
for title, question in statements("questions.sql"):
    answers[title] = rows(question)
print(json.dumps(answers))
