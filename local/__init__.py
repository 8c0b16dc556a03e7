"""The whole system on one machine: PostgreSQL, an AWS emulator and the stack of template.yaml deployed into it."""
