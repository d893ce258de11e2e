"""What the copilot can look up: one file a tool, its name the file's, its docstring what the model reads.

A tool is `async def run(scope, …) -> Facts`. It reads, and changes nothing.
"""
