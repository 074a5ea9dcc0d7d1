"""The operator's page: what came in, what is late, what was refused, and that nothing went missing.

Where its numbers come from, each from whoever knows it:

- what came in, and what the stream processor wrote: the offsets of the log, asked of the broker;
- what recorder and loader made of it, by app and reason: their tallies, which are written with the rows they count;
- lag: the broker's log ends less the offsets that the consumer groups committed;
- "all accounted for", and gaps: the accountant's last look, and behind it what `ayumi reconcile` does;
- freshness, rejections at the door: the metrics of the processes, since each began;
- disk: the file systems; what is kept of the log: its first records' times and the topics' retention.

Nothing is estimated but what is called a forecast. This room makes the page of what `lrs.cli` observed.
"""
