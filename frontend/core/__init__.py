"""Shared by all pages: service client, links, states, words, tables and figures."""
