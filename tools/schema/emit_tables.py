"""Writes the constant tables behind builtin_schema()."""
from model import version_rank

# In this order discovery lists the groups: a client that is asked for "deployments" takes the
# first group that has them, so the old homes of moved kinds come last.
GROUP_ORDER = [
    'core', 'apiregistration.k8s.io', 'apps', 'events.k8s.io', 'authentication.k8s.io',
    'authorization.k8s.io', 'autoscaling', 'batch', 'certificates.k8s.io', 'networking.k8s.io',
    'policy', 'rbac.authorization.k8s.io', 'storage.k8s.io', 'admissionregistration.k8s.io',
    'apiextensions.k8s.io', 'scheduling.k8s.io', 'coordination.k8s.io', 'node.k8s.io',
    'discovery.k8s.io', 'resource.k8s.io', 'flowcontrol.apiserver.k8s.io', 'storagemigration.k8s.io',
    'metrics.k8s.io',
]
LAST_GROUPS = ['settings.k8s.io', 'extensions']
FIELD_FILES = 4
PRELUDE = '''// Made by tools/schema/generate.py from schemas/. Do not edit.
#include "api/generated/schema_data.h"

namespace pinnace::api::generated {
using namespace std::string_view_literals;
'''


def text(value):
    """A string_view literal; nothing for the empty text, so that it costs no relocation."""
    if not value:
        return '{}'
    out = ''
    for char in value:
        if char in '"\\':
            out += '\\' + char
        elif ' ' <= char < '\x7f':
            out += char
        else:
            out += ''.join(f'\\{byte:03o}' for byte in char.encode())
    return f'"{out}"sv'


def group_text(group):
    return '' if group == 'core' else group


def flag(value):
    return '1' if value else '0'


class Words:
    """Lists of words in one array; each list is a span of it."""

    def __init__(self):
        self.words, self.known = [], {}

    def span(self, words):
        if not words:
            return '{}'
        key = tuple(words)
        if key not in self.known:
            self.known[key] = len(self.words)
            self.words.extend(words)
        return f'{{kWords + {self.known[key]}, {len(words)}}}'


def fnv1a_64(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001b3) & 0xffffffffffffffff
    return value


def slot_table(name, keys):
    """An open-addressing hash table of index + 1; schema.cc looks it up the same way."""
    size = 64
    while size < 2 * len(keys):
        size *= 2
    slots = [0] * size
    for index, parts in enumerate(keys):
        position = fnv1a_64('\0'.join(parts).encode()) & (size - 1)
        while slots[position]:
            position = (position + 1) & (size - 1)
        slots[position] = index + 1
    rows = [','.join(map(str, slots[i:i + 32])) for i in range(0, size, 32)]
    return (f'extern const std::uint16_t {name}[{size}];', f'const std::uint16_t {name}[{size}] = {{\n'
            + ',\n'.join(rows) + '};\n')


class TableEmitter:
    def __init__(self, model):
        self.model = model
        self.types = list(model.types.values())
        self.type_index = {t.key(): i for i, t in enumerate(self.types)}
        self.words = Words()
        self.field_at = {}      # type key -> (file, offset)
        self.files = {}
        self.declarations = []

    def type_ref(self, declared):
        return f'kTypes + {self.type_index[declared.key()]}' if declared else 'nullptr'

    def field_row(self, field):
        options = field.options
        patch = options.get('patch', '').split(',')
        return '{' + ','.join([
            text(field.name), f'Form::{field.form}', f'Container::{field.container}',
            self.type_ref(field.type), str(field.number), flag(field.inline), flag(field.pointer),
            flag('required' in field.flags), flag('omit' in field.flags),
            f'ListType::{field.list_type()}',
            self.words.span([k for k in options.get('keys', '').split(',') if k]),
            text(options.get('by')), flag('merge' in patch), flag('retainKeys' in patch),
            flag('replace' in patch),
            text(options.get('default')),
            self.words.span([e for e in options.get('enum', '').split('|') if e]),
            text(options.get('limits')), text(field.doc)]) + '},'

    def emit_fields(self):
        own = [t for t in self.types if not t.alias]
        total = sum(len(t.fields) for t in own)
        rows = [[] for _ in range(FIELD_FILES)]
        done = 0
        for declared in own:
            file = min(done * FIELD_FILES // total, FIELD_FILES - 1)
            self.field_at[declared.key()] = (file, len(rows[file]))
            rows[file].extend(self.field_row(field) for field in declared.fields)
            done += len(declared.fields)
        for declared in self.types:
            if declared.alias:
                target = self.model.resolve(declared, declared.alias)
                self.field_at[declared.key()] = self.field_at[target.key()]
        for file, lines in enumerate(rows):
            name = f'kFields{file}[{len(lines)}]'
            self.declarations.append(f'extern const FieldInfo {name};')
            self.files[f'schema_fields_{file}.cc'] = (
                PRELUDE + f'constinit const FieldInfo {name} = {{\n' + '\n'.join(lines) + '\n};\n}\n')

    def field_ref(self, declared, index):
        file, offset = self.field_at[declared.key()]
        return f'kFields{file} + {offset + index}'

    def emit_types(self):
        rules, rows, orders = [], [], []
        for declared in self.types:
            first_rule = len(rules)
            for path, value, condition in declared.defaults:
                rules.append('{' + ','.join([text(path), text(value), text(condition)]) + '},')
            form = ('kWrapperList' if 'wrapper' in declared.flags
                    else 'kOneOf' if 'oneof' in declared.flags else 'kStruct')
            file, offset = self.field_at[declared.key()]
            fields = f'{{kFields{file} + {offset}, {len(declared.fields)}}}' if declared.fields else '{}'
            count = len(rules) - first_rule
            order = sorted((i for i, f in enumerate(declared.fields) if f.number),
                           key=lambda i: declared.fields[i].number)
            order_span = f'{{kOrders + {len(orders)}, {len(order)}}}' if order else '{}'
            orders.extend(order)
            defaults = f'{{kRules + {first_rule}, {count}}}' if count else '{}'
            rows.append('{' + ','.join([
                text(group_text(declared.group)), text(declared.version), text(declared.name),
                text(declared.package), f'TypeForm::{form}', flag('atomic' in declared.flags), fields,
                order_span, flag('kind' in declared.flags), defaults, text(declared.doc)]) + '},')
        self.declarations.append(f'extern const TypeInfo kTypes[{len(rows)}];')
        keys = [(group_text(t.group), t.version, t.name) for t in self.types]
        declaration, slots = slot_table('kTypeSlots', keys)
        self.declarations.append(declaration)
        self.files['schema_types.cc'] = (
            PRELUDE + f'constinit const std::uint8_t kOrders[{len(orders)}] = {{\n'
            + ',\n'.join(','.join(map(str, orders[i:i + 40])) for i in range(0, len(orders), 40))
            + f'\n}};\nconstinit const DefaultRule kRules[{len(rules) + 1}] = {{\n' + '\n'.join(rules)
            + f'\n{{}}}};\nconstinit const TypeInfo kTypes[{len(rows)}] = {{\n' + '\n'.join(rows)
            + '\n};\n' + slots + '}\n')

    def sub_row(self, resource, sub):
        name, kind, verbs = sub
        declared = self.model.resolve(resource, kind)
        group = group_text(declared.group)
        return '{' + ','.join([text(name), self.type_ref(declared), text(group),
                               text(declared.version), text(declared.name),
                               self.words.span(verbs)]) + '},'

    def emit_deprecations(self):
        rows = sorted((group_text(r.group), r.version, r.name, r.deprecation)
                      for r in self.model.resources if r.deprecation)
        self.files['schema_deprecations.cc'] = (
            '#include "api/deprecations.h"\n\nnamespace pinnace::api {\nnamespace {\n'
            + 'using namespace std::literals;\n\n'
            + f'constexpr Deprecation kDeprecations[{len(rows)}] = {{\n'
            + '\n'.join('{' + ','.join(text(cell) for cell in row) + '},' for row in rows)
            + '\n};\n}  // namespace\n\n'
            + 'constinit const std::span<const Deprecation> kAllDeprecations = kDeprecations;\n'
            + '\n}  // namespace pinnace::api\n')

    def emit_resources(self):
        subs, columns, column_at, rows = [], [], {}, []
        for resource in self.model.resources:
            first_sub = len(subs)
            subs.extend(self.sub_row(resource, sub) for sub in resource.subs)
            key = (resource.group, resource.kind)
            if key not in column_at:
                own = self.model.columns.get(key, [])
                column_at[key] = (len(columns), len(own))
                columns.extend('{' + ','.join([text(c.name), text(c.type), text(c.format),
                                               str(c.priority), text(c.value)]) + '},' for c in own)
            start, count = column_at[key]
            lists = self.model.types.get((resource.group, resource.version, resource.kind + 'List'))
            rows.append('{' + ','.join([
                text(group_text(resource.group)), text(resource.version), text(resource.name),
                text(resource.singular), text(resource.kind),
                self.type_ref(self.model.resolve(resource, resource.kind)),
                self.type_ref(lists if 'list' in resource.verbs else None),
                flag(resource.namespaced), flag(resource.enabled), self.words.span(resource.verbs),
                self.words.span(resource.short), self.words.span(resource.categories),
                f'{{kSubresources + {first_sub}, {len(resource.subs)}}}',
                f'{{kColumns + {start}, {count}}}', self.words.span(resource.selectors),
                text(resource.stored[0]), text(resource.stored[1])]) + '},')
        group_names, group_rows = self.group_rows()
        resources = self.model.resources
        self.emit_deprecations()
        names = slot_table('kResourceSlots',
                           [(group_text(r.group), r.version, r.name) for r in resources])
        kinds = slot_table('kKindSlots', [(group_text(r.group), r.version, r.kind) for r in resources])
        self.declarations += [
            f'extern const ResourceInfo kResources[{len(rows)}];', names[0], kinds[0],
            f'extern const GroupInfo kGroups[{len(group_rows)}];',
            f'extern const std::string_view kGroupNames[{len(group_rows)}];']
        self.files['schema_resources.cc'] = (
            PRELUDE
            + f'constinit const SubresourceInfo kSubresources[{len(subs) + 1}] = {{\n' + '\n'.join(subs)
            + f'\n{{}}}};\nconstinit const ColumnInfo kColumns[{len(columns) + 1}] = {{\n'
            + '\n'.join(columns) + f'\n{{}}}};\nconstinit const ResourceInfo kResources[{len(rows)}] = {{\n'
            + '\n'.join(rows) + f'\n}};\nconstinit const GroupInfo kGroups[{len(group_rows)}] = {{\n'
            + '\n'.join(group_rows)
            + f'\n}};\nconstinit const std::string_view kGroupNames[{len(group_rows)}] = {{\n'
            + ',\n'.join(group_names) + '\n};\n' + names[1] + kinds[1] + '}\n')

    def group_rows(self):
        served = {}
        for resource in self.model.resources:
            if resource.enabled:
                served.setdefault(resource.group, set()).add(resource.version)
        order = {name: i for i, name in enumerate(GROUP_ORDER)}
        order.update({name: 1000 + i for i, name in enumerate(LAST_GROUPS)})
        groups = sorted(served, key=lambda g: (order.get(g, 500), g))
        rows = ['{' + text(group_text(g)) + ','
                + self.words.span(sorted(served[g], key=version_rank)) + '},' for g in groups]
        return [text(group_text(g)) if g != 'core' else '{}' for g in groups], rows

    def emit(self):
        self.emit_fields()
        self.emit_types()
        self.emit_resources()
        words = [text(word) for word in self.words.words]
        self.declarations.insert(0, f'extern const std::string_view kWords[{len(words)}];')
        self.files['schema_words.cc'] = (
            PRELUDE + f'constinit const std::string_view kWords[{len(words)}] = {{\n'
            + ',\n'.join(words) + '\n};\n}\n')
        self.files['schema_data.h'] = (
            '// Made by tools/schema/generate.py from schemas/. Do not edit.\n#pragma once\n\n'
            '#include "api/schema.h"\n\nnamespace pinnace::api::generated {\n'
            + '\n'.join(self.declarations) + '\n}\n')
        return {f'api/generated/{name}': body for name, body in self.files.items()}
