"""Tests of what both of Twitter's sources share."""
