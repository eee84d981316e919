@echo off
rem Stands in for the client as npm installs it on Windows: tells in one line what it was given.
echo claude config_dir=%CLAUDE_CONFIG_DIR% key=%ANTHROPIC_API_KEY% args=%*
