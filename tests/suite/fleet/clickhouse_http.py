"""The HTTP interface of ClickHouse, as far as fixtures/fleet uses it, in front of
ClickHouse as a library: POST /?query=...&setting=value with the data as the body.

Arguments: the directory with table.sql, a directory for the data. Prints the port
that it listens on, on the loopback interface.
"""

import http.server
import pathlib
import sys
import urllib.parse

from chdb import session

clickhouse = session.Session(sys.argv[2])
for statement in (pathlib.Path(sys.argv[1]) / "table.sql").read_text().split(";\n"):
    if statement.strip():
        clickhouse.query(statement)


class Handler(http.server.BaseHTTPRequestHandler):
    """Runs the query of a request."""

    def do_POST(self):
        url = urllib.parse.urlsplit(self.path)
        settings = dict(urllib.parse.parse_qsl(url.query))
        query = settings.pop("query")
        data = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        if settings:
            before, insert, form = query.partition(" FORMAT ")
            values = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
            query = f"{before} SETTINGS {values}{insert}{form}"
        try:
            answer, status = clickhouse.query(f"{query}\n{data}", "TSV").bytes(), 200
        except Exception as error:  # As the server does, with the text.
            answer, status = str(error).encode(), 400
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer or b"")

    def log_message(self, format, *args):
        """Nothing is logged."""


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
