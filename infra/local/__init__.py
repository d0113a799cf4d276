"""The whole system on loopback: no Docker, no account.

    demo, up, suites   what `make demo`, `make up` and `make test` run
    stack, parts       the supervisor, and the parts that it starts, in order
    environment, keys  what the functions find: their variables, and secrets made at run time
    front/             the H5 before the API, and the switch of browsers
    aws/               stand-ins for API Gateway, the stream's mapping and the schedules
    services/          RabbitMQ, the engines of DynamoDB and S3, the tables, the identity provider
    s3/                what S3 checks before it answers, in front of its engine
    alipay/, wechat/   the simulators of the two payment platforms
    purchase/          goods, payers, a listener, the nine steps and a refund, seen from outside
    processes/         starting and ending processes, so that none is left behind

Each part is a process of its own, as on AWS; only the environment joins them.
"""
