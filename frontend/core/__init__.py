"""What every page needs: the client of the service, links, states, words, tables and figures."""
