"""The least that a status request could be: one FastAPI route, one query, one row as JSON."""

import os

import uvicorn
from fastapi import FastAPI
from sqlalchemy import select

from edgepress_api.database import Database, JobRow

database = Database(os.environ["EDGEPRESS_DATABASE_URL"])
app = FastAPI()


@app.get("/jobs/{job_id}")
def show(job_id: str) -> dict[str, object]:
    """A job's id, name and state."""
    with database.read() as session:
        row = session.execute(select(JobRow.id, JobRow.name, JobRow.state).where(JobRow.id == job_id)).one()
    return dict(row._mapping)


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["EDGEPRESS_PORT"]), log_level="warning", access_log=False)
