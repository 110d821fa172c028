"""The planner of a search: proposes pipelines of a space, and learns from their results.

1. **Reference.** The job's network is trained and not compressed, for all epochs and for those of a screening. Drops of
   accuracy are measured against it, at equal epochs. Under a latency limit, probes are measured meanwhile, and members
   that can't keep the limit are not tried (`latency`).
2. **Screening.** A generation of trials is trained for a share of the epochs. A strategy chooses them (`strategies`).
3. **Promotion.** Trials in the best third of all that were screened are trained for all epochs. 2 and 3 repeat until
   the budget is spent or the space is exhausted.
4. **Finals.** The best trials are trained again with other seeds. The best by the mean over seeds wins (`outcome`).

The planner waits until all pipelines of its last proposal have ended, so that its proposals do not depend on the speed
of machines. It reads everything from the results and the trials stored with them (`past`), and keeps nothing.
Candidates are compared without the test split (`ranking`).

| module | contents |
|---|---|
| `planner` | the order of proposals |
| `past` | trials and their figures, read from the job's results |
| `ranking` | limits, front and knee |
| `latency` | probes, and what the latency model expects |
| `strategies` | the next members of the space |
| `outcome` | front, winner, and the price of each limit |
"""
