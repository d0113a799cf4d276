"""Stand-ins for what surrounds the functions on AWS: API Gateway, stream mapping, schedules.

::

    gateway                the process that serves the HTTP endpoints
      api_gateway            what API Gateway does to a request and its answer
    stream_pump            the process that feeds stream functions
      event_source_mapping   shards, in the order of parents and children
      shard_delivery         one shard: deliver, retry, bisect, give up, checkpoint
      batching, filter_criteria, batch_response, checkpoints, stream_source   its parts
    scheduler              the process that runs scheduled functions
      container              the process in which one of them runs
    lambda_runtime         event, context and time limit of a call
"""
