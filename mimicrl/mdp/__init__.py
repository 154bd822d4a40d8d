"""The task as pure functions over N rows.

Its terms are classes that hold parameters and function; the configuration is composed of them.
"""
