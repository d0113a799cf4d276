"""Where orders are kept: the store on DynamoDB, its tables, and how changes become transactions."""
