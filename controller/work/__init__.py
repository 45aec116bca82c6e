"""Computing on what strangers wrote, in processes that have no rights and can be ended.

Light to import: a worker process begins here.
"""
