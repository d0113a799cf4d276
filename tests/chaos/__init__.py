"""Messages under a random sequence of faults: none may be lost, each effect is there exactly once.

python -m tests.chaos --messages 1000 --seed 7

plan        the faults in their order, and how many messages are written around each: the seed
place       broker, database and the processes of the functions, with a line and a gate between
line, gate  what can be cut, silenced and made to refuse
tls         the broker's certificate, and another one that nobody should trust
faults      what happens, and how it is healed
poison      the fault that is messages: a stranger's, which nobody can handle
operators   the commands by which dead letters are looked after
sales       the load: purchases that are paid, and some that are paid back
platform    the payment platform of these purchases, in this process
storm       the load and the faults side by side, and the wait for quiet
books       what came of it, read from the tables by other means than the project's own
report      what the run found, as JSON
"""
