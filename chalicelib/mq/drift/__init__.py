"""What the broker has, against what `chalicelib.mq.topology` says it should have.

::

    watch         what operators and the scheduled check do with it
       └─ plan      the steps that are missing, and what stands in their way
            └─ compare   one exchange or queue with ours of the same name
                 └─ conflict   a property that differs, and the runbook for it
       found        what a look at the broker saw

All of it is pure but ``watch``, which looks through the port `chalicelib.mq.drift.found.Survey`.
"""
