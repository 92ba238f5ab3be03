"""What both of Twitter's sources share."""
