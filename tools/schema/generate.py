#!/usr/bin/env python3
"""Makes the C++ tables and structs of the API from the files in schemas/.

  generate.py SCHEMAS OUTPUT          writes the files whose text has changed
  generate.py --list SCHEMAS OUTPUT   prints the paths that it would write, one a line
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from emit_structs import StructEmitter  # noqa: E402
from emit_tables import TableEmitter  # noqa: E402
from model import SchemaError, read_model  # noqa: E402


def read_typed_kinds(path):
    rows = []
    with open(path, encoding='utf-8') as file:
        for line in file:
            words = line.split('#')[0].split()
            if words:
                group, _, version = words[0].rpartition('/')
                rows.append((group, version, words[1:]))
    return rows


def write_if_changed(path, body):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        with open(path, encoding='utf-8') as file:
            if file.read() == body:
                return
    except FileNotFoundError:
        pass
    with open(path, 'w', encoding='utf-8') as file:
        file.write(body)


def main(arguments):
    listing = arguments[:1] == ['--list']
    schemas, output = arguments[1:] if listing else arguments
    try:
        model = read_model(schemas)
        tables = TableEmitter(model)
        files = tables.emit()
        files.update(StructEmitter(model, tables, read_typed_kinds(
            os.path.join(schemas, 'typed_kinds.txt'))).emit())
    except SchemaError as error:
        sys.exit(str(error))
    for path, body in files.items():
        if listing:
            print(os.path.join(output, path))
        else:
            write_if_changed(os.path.join(output, path), body)


if __name__ == '__main__':
    main(sys.argv[1:])
