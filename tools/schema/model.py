"""Reads the schema files of schemas/ into plain objects.

The format is described in schemas/README.md. Any line that is not of it stops the build with the
file's name and the line's number.
"""
import json
import os
import re
import shlex


class SchemaError(Exception):
    pass


FORMS = {
    'string': 'kString', 'bool': 'kBool', 'int32': 'kInt32', 'int64': 'kInt64',
    'uint32': 'kUint32', 'uint64': 'kUint64', 'double': 'kDouble', 'bytes': 'kBytes',
    'Time': 'kTime', 'MicroTime': 'kMicroTime', 'Duration': 'kDuration', 'Quantity': 'kQuantity',
    'IntOrString': 'kIntOrString', 'RawObject': 'kRawObject', 'any': 'kAnyJson',
}
FLAGS = {'required', 'omit', 'atomic', 'granular'}
OPTIONS = {'list', 'keys', 'patch', 'by', 'default', 'enum', 'limits'}


class Field:
    """One field line: NAME NUMBER TYPE [flag | option=value]... [-- doc]"""

    def __init__(self, text):
        text, _, self.doc = text.partition(' -- ')
        words = split_words(text)
        if len(words) < 3:
            raise SchemaError('a field needs a name, a number and a type')
        self.name, number, shape = words[:3]
        self.number = int(number)
        self.inline = self.name == '-'
        if self.inline:
            self.name = ''
        self.pointer = shape.startswith('*')
        shape = shape.removeprefix('*')
        self.container = 'kOne'
        if shape.startswith('[]'):
            self.container, shape = 'kList', shape[2:]
        elif shape.startswith('{}'):
            self.container, shape = 'kMap', shape[2:]
        self.type_name = shape
        self.form = FORMS.get(shape, 'kObject')
        self.flags = set()
        self.options = {}
        for word in words[3:]:
            key, equals, value = word.partition('=')
            if equals and key in OPTIONS:
                self.options[key] = (
                    json.loads(value) if key in ('limits', 'enum') and value[:1] == '"' else value)
            elif not equals and key in FLAGS:
                self.flags.add(key)
            else:
                raise SchemaError(f'unknown attribute "{word}"')
        if 'default' in self.options:
            json.loads(self.options['default'])
        self.type = None

    def list_type(self):
        # Maps are granular unless they say otherwise; lists and structs are atomic.
        if 'granular' in self.flags or (self.container == 'kMap' and 'atomic' not in self.flags):
            return 'kMap'
        return {'map': 'kMap', 'set': 'kSet'}.get(self.options.get('list'), 'kAtomic')


class Type:
    def __init__(self, group, version, package, words):
        self.group, self.version, self.package, self.name = group, version, package, words[0]
        self.alias = None
        if len(words) > 2 and words[1] == '=':
            self.alias, words = words[2], words[2:]
        self.flags = set(words[1:])
        unknown = self.flags - {'kind', 'atomic', 'wrapper', 'oneof'}
        if unknown:
            raise SchemaError(f'unknown attribute "{unknown.pop()}"')
        self.fields, self.defaults, self.doc = [], [], ''

    def key(self):
        return (self.group, self.version, self.name)


class Resource:
    def __init__(self, group, version, words):
        self.group, self.version = group, version
        self.name, self.singular, self.kind = words[:3]
        self.namespaced = 'namespaced' in words[3:]
        self.enabled = 'off' not in words[3:]
        self.verbs, self.short, self.categories, self.selectors, self.subs = [], [], [], [], []
        self.stored = ('', '')
        self.deprecation = ''

    def deprecate(self, words):
        """"deprecated SINCE [removed RELEASE] [use GROUP/VERSION KIND]", as a sentence."""
        text = f'{self.version} {self.kind} is deprecated in v{words[0]}+'
        if self.group != 'core':
            text = f'{self.group}/{text}'
        rest = words[1:]
        if rest[:1] == ['removed']:
            text, rest = f'{text}, unavailable in v{rest[1]}+', rest[2:]
        if rest[:1] == ['use']:
            text, rest = f'{text}; use {rest[1]} {rest[2]}', rest[3:]
        if rest:
            raise SchemaError('a line is deprecated SINCE [removed RELEASE] [use GROUP/VERSION KIND]')
        self.deprecation = text

    def add(self, words):
        keyword, rest = words[0], words[1:]
        if keyword == 'verbs':
            self.verbs = rest
        elif keyword == 'short':
            self.short = rest
        elif keyword == 'categories':
            self.categories = rest
        elif keyword == 'select':
            self.selectors = rest
        elif keyword == 'deprecated':
            self.deprecate(rest)
        elif keyword == 'stored':
            self.stored = tuple(rest)
        elif keyword == 'sub':
            self.subs.append((rest[0], rest[1], rest[2:]))
        else:
            raise SchemaError(f'unknown line "{keyword}" in a resource')


class Column:
    def __init__(self, text):
        head, equals, self.value = text.partition(' = ')
        words = shlex.split(head)
        if not equals or len(words) < 2:
            raise SchemaError('a column is "NAME" TYPE [format=F] [wide] = EXPRESSION')
        self.name, self.type = words[:2]
        self.format, self.priority = '', 0
        for word in words[2:]:
            if word.startswith('format='):
                self.format = word[7:]
            elif word == 'wide':
                self.priority = 1
            else:
                raise SchemaError(f'unknown attribute "{word}"')


class Model:
    def __init__(self):
        self.types, self.resources, self.columns = {}, [], {}

    def resolve(self, owner, name):
        """The type that `name` means inside `owner`'s group and version."""
        gv, dot, local = name.rpartition('.')
        if dot:
            group, _, version = gv.rpartition('/')
            key = (group, version, local)
        else:
            key = (owner.group, owner.version, name)
        if key not in self.types:
            raise SchemaError(f'{owner.group}/{owner.version} {owner.name}: no type {name}')
        return self.types[key]


def split_words(text):
    """Words between spaces; a part in double quotes (a JSON string) keeps its spaces."""
    return re.findall(r'(?:[^\s"]|"(?:[^"\\]|\\.)*")+', text)


def parse_rule(text):
    """`PATH = VALUE [if CONDITION]` as (path, value, condition)."""
    rule, _, condition = text.partition(' if ')
    path, equals, value = rule.partition(' = ')
    if not equals:
        raise SchemaError('a rule is PATH = VALUE [if CONDITION]')
    return path.strip(), value.strip(), condition.strip()


def read_schema_file(model, path):
    group = version = package = ''
    current = None
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            if not text or text.startswith('#'):
                continue
            try:
                if line.startswith('  '):
                    add_detail(current, text)
                    continue
                keyword, _, rest = text.partition(' ')
                if keyword == 'group':
                    group = rest
                elif keyword == 'version':
                    version = rest
                elif keyword == 'package':
                    package = rest
                elif keyword == 'type':
                    current = Type(group, version, package, rest.split())
                    model.types[current.key()] = current
                elif keyword == 'resource':
                    current = Resource(group, version, rest.split())
                    model.resources.append(current)
                else:
                    raise SchemaError(f'unknown line "{keyword}"')
            except (SchemaError, ValueError) as error:
                raise SchemaError(f'{path}:{number}: {error}') from error


def add_detail(current, text):
    if isinstance(current, Resource):
        current.add(text.split())
    elif current is None:
        raise SchemaError('an indented line before any type or resource')
    elif text.startswith('-- '):
        current.doc = text[3:]
    elif text.startswith(': '):
        current.defaults.append(parse_rule(text[2:]))
    else:
        current.fields.append(Field(text))


def read_columns(model, path):
    """columns.txt: `kind GROUP[,GROUP] KIND`, then one indented line for each column."""
    targets = []
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            if not text or text.startswith('#'):
                continue
            try:
                if line.startswith('  '):
                    column = Column(text)
                    for target in targets:
                        model.columns.setdefault(target, []).append(column)
                else:
                    keyword, groups, kind = text.split()
                    if keyword != 'kind':
                        raise SchemaError(f'unknown line "{keyword}"')
                    targets = [(group, kind) for group in groups.split(',')]
            except (SchemaError, ValueError) as error:
                raise SchemaError(f'{path}:{number}: {error}') from error


def version_rank(version):
    """Sorts the stable ones first, then beta, then alpha; a higher number before a lower."""
    match = re.fullmatch(r'v(\d+)(?:(alpha|beta)(\d+))?', version)
    stage = {None: 0, 'beta': 1, 'alpha': 2}[match.group(2)]
    return (stage, -int(match.group(1)), -int(match.group(3) or 0))


def read_model(directory):
    model = Model()
    for name in sorted(os.listdir(directory)):
        if name.endswith('.schema'):
            read_schema_file(model, os.path.join(directory, name))
    columns = os.path.join(directory, 'columns.txt')
    if os.path.exists(columns):
        read_columns(model, columns)
    for declared in model.types.values():
        if declared.alias:
            target = model.resolve(declared, declared.alias)
            declared.fields, declared.defaults = target.fields, target.defaults
            declared.flags |= target.flags
            declared.doc = declared.doc or target.doc
    for declared in model.types.values():
        if declared.alias:
            continue
        for field in declared.fields:
            if field.form == 'kObject':
                field.type = model.resolve(declared, field.type_name)
    return model
