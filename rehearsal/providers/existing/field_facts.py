"""Rows of a cluster that exists, for the field rules: none, its nodes tell of themselves."""

from rehearsal.field.facts import FieldFacts

FACTS = FieldFacts(nodes="bare metal")
