"""The whole system on one machine: PostgreSQL, and an AWS emulator with the stack of template.yaml deployed into it."""
