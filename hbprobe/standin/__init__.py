"""A stand-in for Exchange ActiveSync: speaks its protocol and keeps its rules, without any mail."""
