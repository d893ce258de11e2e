"""Tools of the copilot. One file per tool: its name is that of the file, its docstring is the model's description.

A tool is `async def run(scope, …) -> Facts`. Tools only read.
"""
