"""Writes the typed structs: api/types/NAMESPACE.h with the declarations and NAMESPACE.cc with the
tables that decode and encode them."""
import re

KEYWORDS = {
    'alignas', 'and', 'asm', 'auto', 'bool', 'break', 'case', 'catch', 'char', 'class', 'concept',
    'const', 'continue', 'default', 'delete', 'do', 'double', 'else', 'enum', 'explicit', 'export',
    'extern', 'false', 'float', 'for', 'friend', 'goto', 'if', 'inline', 'int', 'long', 'mutable',
    'namespace', 'new', 'not', 'operator', 'or', 'private', 'protected', 'public', 'register',
    'requires', 'return', 'short', 'signed', 'sizeof', 'static', 'struct', 'switch', 'template',
    'this', 'throw', 'true', 'try', 'typedef', 'typename', 'union', 'unsigned', 'using', 'virtual',
    'void', 'volatile', 'while', 'xor',
}
SCALARS = {
    'kString': 'std::string', 'kBool': 'bool', 'kInt32': 'std::int32_t', 'kInt64': 'std::int64_t',
    'kUint32': 'std::uint32_t', 'kUint64': 'std::uint64_t', 'kDouble': 'double',
    'kBytes': 'std::string', 'kTime': 'Time', 'kMicroTime': 'Time', 'kDuration': 'Duration',
    'kQuantity': 'Quantity', 'kIntOrString': 'IntOrString', 'kRawObject': 'std::string',
    'kAnyJson': 'std::string',
}
PLAIN = {'bool': 'false', 'std::int32_t': '0', 'std::int64_t': '0', 'std::uint32_t': '0',
         'std::uint64_t': '0', 'double': '0', 'Duration': '{}'}
NOTE = '// Made by tools/schema/generate.py from schemas/. Do not edit.\n'


def snake_case(name):
    name = re.sub(r'([A-Z])([A-Z]+)s(?=$|[A-Z])', lambda m: m[1] + m[2].lower() + 's', name)
    name = re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', name)
    name = re.sub(r'([A-Z]+)([A-Z][a-z])', r'\1_\2', name).lower()
    name = re.sub(r'\W', '_', name)
    return name + '_' if name in KEYWORDS else name


def namespace_of(group, version):
    return f"{group.split('.')[0]}_{version}"


class Member:
    """A member of a struct: its C++ name and type, and the schema field it stands for."""

    def __init__(self, owner, index, field):
        self.owner, self.index, self.field = owner, index, field
        self.name = snake_case(field.name)

    def element(self):
        if self.field.form != 'kObject':
            return SCALARS[self.field.form]
        declared = self.field.type
        return f'{namespace_of(declared.group, declared.version)}::{declared.name}'

    def cpp_type(self):
        element = self.element()
        if self.field.container == 'kList':
            return f'std::vector<{element}>'
        if self.field.container == 'kMap':
            return f'std::map<std::string, {element}, std::less<>>'
        if not self.field.pointer or self.field.form in ('kTime', 'kMicroTime', 'kRawObject',
                                                         'kAnyJson'):
            return element
        return f'Boxed<{element}>' if self.field.form == 'kObject' else f'std::optional<{element}>'

    def holder(self):
        kind = self.cpp_type().partition('<')[0]
        return {'std::vector': 'kList', 'std::map': 'kMap', 'std::optional': 'kOptional',
                'Boxed': 'kOptional'}.get(kind, 'kPlain')


def members_of(declared):
    """The fields of a type with those of its inline members in their places."""
    members = []
    for index, field in enumerate(declared.fields):
        if field.inline:
            members.extend(members_of(field.type))
        else:
            members.append(Member(declared, index, field))
    return members


class StructEmitter:
    def __init__(self, model, tables, typed_kinds):
        self.model, self.tables = model, tables
        self.wanted = {}
        for group, version, names in typed_kinds:
            for name in names:
                key = (group, version, name)
                if key not in model.types:
                    raise SystemExit(f'typed_kinds.txt: no type {group}/{version} {name}')
                self.visit(model.types[key])
                if key[:2] + (name + 'List',) in model.types:
                    self.visit(model.types[key[:2] + (name + 'List',)])

    def visit(self, declared):
        """Adds a type after all that it refers to, so that declarations come in order."""
        if declared.key() in self.wanted:
            if self.wanted[declared.key()] is None:
                raise SystemExit(f'{declared.name} refers to itself; no struct can be made of it')
            return
        self.wanted[declared.key()] = None
        for member in members_of(declared):
            if member.field.form == 'kObject':
                self.visit(member.field.type)
        del self.wanted[declared.key()]
        self.wanted[declared.key()] = declared

    def struct(self, declared):
        lines = []
        if declared.doc:
            lines.append(f'// {declared.doc}')
        lines.append(f'struct {declared.name} {{')
        for resource in self.model.resources:
            if (resource.group, resource.version, resource.kind) == declared.key():
                group = '' if resource.group == 'core' else resource.group
                lines.append('  static constexpr ResourceName kResource{'
                             f'"{group}", "{resource.version}", "{resource.name}", "{resource.kind}", '
                             f'{"true" if resource.namespaced else "false"}}};')
                break
        for member in members_of(declared):
            kind = member.cpp_type().replace(
                namespace_of(declared.group, declared.version) + '::', '')
            value = f' = {PLAIN[kind]}' if PLAIN.get(kind, '{}') != '{}' else '{}' if kind in PLAIN else ''
            lines.append(f'  {kind} {member.name}{value};')
        lines.append(f'  bool operator==(const {declared.name}&) const;')
        lines.append('};')
        lines.append(f'template <>\nconst detail::StructCodec& detail::codec_of<'
                     f'{namespace_of(declared.group, declared.version)}::{declared.name}>();')
        return lines

    def codec(self, declared):
        space = namespace_of(declared.group, declared.version)
        name = f'{space}::{declared.name}'
        rows = []
        for member in members_of(declared):
            nested = f'&codec_of<{member.element()}>' if member.field.form == 'kObject' else 'nullptr'
            holder = member.holder()
            ops = f'&kHolderOps<{member.cpp_type()}>' if holder != 'kPlain' else 'nullptr'
            field = self.tables.field_ref(member.owner, member.index)
            rows.append(f'    {{generated::{field}, offsetof({name}, {member.name}), '
                        f'Holder::{holder}, {nested}, {ops}}},')
        index = self.tables.type_index[declared.key()]
        fields = '{}'
        out = [f'bool {space}::{declared.name}::operator==(const {declared.name}&) const = default;']
        if rows:
            out.append(f'constinit const FieldCodec k{declared.name}Fields[] = {{')
            out.extend(rows)
            out.append('};')
            fields = f'k{declared.name}Fields'
        out.append(f'constinit const StructCodec k{declared.name}Codec{{generated::kTypes + {index}, '
                   f'{fields}}};')
        return out, (f'template <>\nconst StructCodec& codec_of<{name}>() {{\n'
                     f'  return k{declared.name}Codec;\n}}')

    def emit(self):
        spaces = {}
        for declared in self.wanted.values():
            spaces.setdefault(namespace_of(declared.group, declared.version), []).append(declared)
        files = {}
        for space, types in spaces.items():
            others = {namespace_of(m.field.type.group, m.field.type.version)
                      for t in types for m in members_of(t) if m.field.form == 'kObject'} - {space}
            includes = ''.join(f'#include "api/types/{o}.h"\n' for o in sorted(others))
            first, *_ = types
            group = first.group if first.group != 'core' else 'core (the group without a name)'
            header = (f'// Structs of the API group {group}, version {first.version}.\n{NOTE}'
                      f'#pragma once\n\n#include "api/typed_members.h"\n{includes}\n'
                      'namespace pinnace::api {\n')
            for declared in types:
                lines = self.struct(declared)
                close = lines.index('};') + 1
                header += f'namespace {space} {{\n' + '\n'.join(lines[:close]) + '\n}\n'
                header += '\n'.join(lines[close:]) + '\n\n'
            files[f'api/types/{space}.h'] = header + '}  // namespace pinnace::api\n'
            body = (f'{NOTE}#include "api/types/{space}.h"\n\n#include <cstddef>\n\n'
                    '#include "api/generated/schema_data.h"\n#include "api/typed_codec.h"\n\n'
                    '// The structs hold standard containers, for which both compilers support it.\n'
                    '#pragma GCC diagnostic ignored "-Winvalid-offsetof"\n\n'
                    'namespace pinnace::api {\n')
            equalities, tables, accessors = [], [], []
            for declared in types:
                lines, accessor = self.codec(declared)
                equalities.append(lines[0])
                tables.extend(lines[1:])
                accessors.append(accessor)
            body += '\n'.join(equalities)
            body += ('\n\nnamespace detail {\nnamespace {\n' + '\n'.join(tables) + '\n}\n\n'
                     + '\n'.join(accessors)
                     + '\n}  // namespace detail\n}  // namespace pinnace::api\n')
            files[f'api/types/{space}.cc'] = body
        return files
