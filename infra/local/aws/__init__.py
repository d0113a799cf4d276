"""Stand-ins for what surrounds the functions on AWS: API Gateway, stream mapping, schedules."""
