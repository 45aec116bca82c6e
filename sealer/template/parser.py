"""Tokens -> tree, by the rules of Go's ``text/template/parse`` (parse.go).

An error names the line of the last token that was looked at, as Go's does: so the look-ahead
is Go's too.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final, NoReturn

from sealer.errors import TemplateError
from sealer.template import literals, nodes
from sealer.template.lexer import Kind, Lexer, Token

MAX_DEPTH: Final = 100
"""How deep parentheses and blocks nest; Go allows 10,000 parentheses."""

_OPERANDS: Final = frozenset({
    Kind.BOOL, Kind.CHAR_CONSTANT, Kind.COMPLEX, Kind.DOT, Kind.FIELD, Kind.IDENTIFIER, Kind.NUMBER,
    Kind.NIL, Kind.RAW_STRING, Kind.STRING, Kind.VARIABLE, Kind.LEFT_PAREN,
})  # fmt: skip
_BRANCHES: Final[Mapping[Kind, type[nodes.If | nodes.With | nodes.Range]]] = {
    Kind.IF: nodes.If,
    Kind.WITH: nodes.With,
    Kind.RANGE: nodes.Range,
}
_NOT_EXECUTABLE: Final = (nodes.Bool, nodes.Dot, nodes.Nil, nodes.Number, nodes.String)
_Ending = Token
_Items = list[nodes.Node]


def parse(name: str, text: str, functions: Container[str]) -> nodes.Tree:
    """Parse a template; TemplateError with ``template: name:line:`` for one that Go refuses."""
    return _Parser(name, text, functions).tree()


class _Parser:
    def __init__(self, name: str, text: str, functions: Container[str]) -> None:
        self._name = name
        self._text = text
        self._functions = functions
        self._tokens = Lexer(text).tokens()
        self._last = len(self._tokens) - 1
        self._at = 0
        self._looked = 0
        """How far the tokens were looked at: an error is said to be there."""
        self._scope = ["$"]
        self._depth = 0
        self._ranges = 0
        self._action_start: Token | None = None
        self._templates: dict[str, tuple[nodes.Node, ...]] = {}

    # Tokens. One is given back by setting ``_at`` to it again.

    def _peek(self) -> Token:
        at = self._at
        if at > self._looked:
            self._looked = at
        return self._tokens[at]

    def _next(self) -> Token:
        at = self._at
        if at > self._looked:
            self._looked = at
        if at < self._last:
            self._at = at + 1
        return self._tokens[at]

    def _peek_word(self) -> Token:
        token = self._tokens[self._at]
        if token.kind is Kind.SPACE:
            self._at += 1
            token = self._tokens[self._at]
            if token.kind is Kind.SPACE:  # two in a row: the second one begins a " -}}"
                return self._peek_word()
        if self._at > self._looked:
            self._looked = self._at
        return token

    def _next_word(self) -> Token:
        token = self._peek_word()
        if self._at < self._last:
            self._at += 1
        return token

    def _line_of(self, token: Token) -> int:
        return self._text.count("\n", 0, token.position) + 1

    def _fail(self, message: str) -> NoReturn:
        line = self._line_of(self._tokens[self._looked])
        raise TemplateError(f"template: {self._name}:{line}: {message}")

    def _unexpected(self, token: Token, context: str) -> NoReturn:
        if token.kind is Kind.ERROR:
            started = ""
            line = self._line_of(self._action_start) if self._action_start else 0
            if line and line != self._line_of(token):
                place = f"started at {self._name}:{line}"
                started = f" {place}" if token.text.endswith(" action") else f" in action {place}"
            self._fail(f"{token.text}{started}")
        self._fail(f"unexpected {token.described()} in {context}")

    def _expect(self, kind: Kind, context: str) -> Token:
        token = self._next_word()
        if token.kind is not kind:
            self._unexpected(token, context)
        return token

    # Templates.

    def tree(self) -> nodes.Tree:
        """Parse to the end."""
        root: _Items = []
        while self._peek().kind is not Kind.EOF:
            if self._peek().kind is Kind.LEFT_DELIM:
                start = self._at
                self._next()
                if self._next_word().kind is Kind.DEFINE:
                    self._definition()
                    continue
                self._at = start
            node = self._text_or_action()
            if isinstance(node, Token):
                self._fail(f"unexpected {node.tag()}")
            root.append(node)
        self._add(self._name, root)
        return nodes.Tree(self._name, self._text, self._templates)

    def _add(self, name: str, items: _Items) -> None:
        if name not in self._templates or _is_empty(self._templates[name]):
            self._templates[name] = tuple(items)
        elif not _is_empty(items):
            self._fail("template: multiple definition of a template")

    def _definition(self) -> None:
        context = "define clause"
        token = self._next_word()
        name = self._template_name(token, context)
        self._expect(Kind.RIGHT_DELIM, context)
        items, end = self._in_scope_of_its_own()
        if end.kind is not Kind.END:
            self._fail(f"unexpected {end.tag()} in {context}")
        self._add(name, items)

    def _in_scope_of_its_own(self) -> tuple[_Items, _Ending]:
        scope, ranges = self._scope, self._ranges
        self._scope, self._ranges = ["$"], 0
        items, end = self._item_list()
        self._scope, self._ranges = scope, ranges
        return items, end

    def _template_name(self, token: Token, context: str) -> str:
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            self._unexpected(token, context)
        return self._unquoted(token).decode(errors="backslashreplace")

    def _unquoted(self, token: Token) -> bytes:
        try:
            return literals.unquote(token.text)
        except literals.LiteralError as error:
            self._fail(str(error))

    # Lists of items, and actions.

    def _item_list(self) -> tuple[_Items, _Ending]:
        """Parse up to an ``end`` or ``else``, which is returned too."""
        self._deeper()
        items: _Items = []
        while True:
            if self._peek_word().kind is Kind.EOF:
                self._fail("unexpected EOF")
            node = self._text_or_action()
            if isinstance(node, Token):
                self._depth -= 1
                return items, node
            items.append(node)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail("max expression depth exceeded")

    def _text_or_action(self) -> nodes.Node | _Ending:
        token = self._next_word()
        if token.kind is Kind.TEXT:
            return nodes.Text(token.position, token.text.encode())
        if token.kind is not Kind.LEFT_DELIM:
            self._unexpected(token, "input")
        self._action_start = token
        node = self._action()
        self._action_start = None
        return node

    def _action(self) -> nodes.Node | _Ending:
        token = self._peek_word()
        match token.kind:
            case Kind.BLOCK | Kind.TEMPLATE:
                self._next()
                return self._block() if token.kind is Kind.BLOCK else self._call()
            case Kind.BREAK | Kind.CONTINUE:
                self._next()
                return self._jump(token)
            case Kind.IF | Kind.WITH | Kind.RANGE:
                self._next()
                return self._branch(token.kind)
            case Kind.ELSE:
                self._next()
                following = self._peek_word()
                if following.kind not in (Kind.IF, Kind.WITH):
                    self._expect(Kind.RIGHT_DELIM, "else")
                return token
            case Kind.END:
                self._next()
                self._expect(Kind.RIGHT_DELIM, "end")
                return token
        return nodes.Action(token.position, self._pipeline("command", Kind.RIGHT_DELIM))

    def _jump(self, token: Token) -> nodes.Break | nodes.Continue:
        name = f"{{{{{token.text}}}}}"
        self._expect(Kind.RIGHT_DELIM, name)
        if not self._ranges:
            self._fail(f"{name} outside {{{{range}}}}")
        made = nodes.Break if token.kind is Kind.BREAK else nodes.Continue
        return made(token.position)

    def _branch(self, kind: Kind) -> nodes.If | nodes.With | nodes.Range:
        known = len(self._scope)
        pipe = self._pipeline(kind.value, Kind.RIGHT_DELIM)
        self._ranges += kind is Kind.RANGE
        items, end = self._item_list()
        self._ranges -= kind is Kind.RANGE
        otherwise: _Items = []
        if end.kind is Kind.ELSE:
            if kind is not Kind.RANGE and self._peek().kind is kind:
                # "else if" is an if of its own, which takes the one "end" for both.
                self._next()
                self._deeper()
                otherwise.append(self._branch(kind))
                self._depth -= 1
            else:
                otherwise, end = self._item_list()
                if end.kind is not Kind.END:
                    self._fail(f"expected end; found {end.tag()}")
        del self._scope[known:]
        return _BRANCHES[kind](pipe.position, pipe, tuple(items), tuple(otherwise))

    def _block(self) -> nodes.Call:
        context = "block clause"
        token = self._next_word()
        name = self._template_name(token, context)
        pipe = self._pipeline(context, Kind.RIGHT_DELIM)
        looked = self._looked
        items, end = self._in_scope_of_its_own()
        if end.kind is not Kind.END:
            self._looked = looked  # Go's parser of the block looks ahead for itself
            self._fail(f"unexpected {end.tag()} in {context}")
        self._add(name, items)
        return nodes.Call(token.position, name, pipe)

    def _call(self) -> nodes.Call:
        context = "template clause"
        token = self._next_word()
        name = self._template_name(token, context)
        if self._peek_word().kind is Kind.RIGHT_DELIM:
            self._next()
            return nodes.Call(token.position, name, None)
        return nodes.Call(token.position, name, self._pipeline(context, Kind.RIGHT_DELIM))

    # Pipelines.

    def _pipeline(self, context: str, end: Kind) -> nodes.Pipe:
        position = self._peek_word().position
        variables, assigns = self._variables(context)
        commands: list[nodes.Command] = []
        while True:
            token = self._next_word()
            if token.kind is end:
                break
            if token.kind not in _OPERANDS:
                self._unexpected(token, context)
            self._at -= 1
            commands.append(self._command())
        if not commands:
            self._fail(f"missing value for {context}")
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.operands[0], _NOT_EXECUTABLE):
                self._fail(f"non executable command in pipeline stage {stage}")
        return nodes.Pipe(position, tuple(commands), tuple(variables), assigns)

    def _variables(self, context: str) -> tuple[list[str], bool]:
        """Parse ``$x :=``, ``$x =`` or, in a range, ``$i, $x :=``."""
        found: list[str] = []
        while self._peek_word().kind is Kind.VARIABLE:
            start = self._at
            variable = self._next()
            self._peek()
            following = self._peek_word()
            if following.kind in (Kind.ASSIGN, Kind.DECLARE):
                self._next()
                self._declare(variable, found)
                return found, following.kind is Kind.ASSIGN
            if following.kind is Kind.CHAR and following.text == ",":
                self._next()
                self._declare(variable, found)
                if context != "range" or len(found) > 1:
                    self._fail(f"too many declarations in {context}")
                follows = (Kind.VARIABLE, Kind.RIGHT_DELIM, Kind.RIGHT_PAREN)
                if self._peek_word().kind not in follows:
                    self._fail("range can only initialize variables")
                continue
            self._at = start
            break
        return found, False

    def _declare(self, variable: Token, found: list[str]) -> None:
        found.append(variable.text)
        self._scope.append(variable.text)

    def _command(self) -> nodes.Command:
        position = self._peek_word().position
        operands: list[nodes.Operand] = []
        while True:
            self._peek_word()
            operand = self._operand()
            if operand is not None:
                operands.append(operand)
            token = self._next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in (Kind.RIGHT_DELIM, Kind.RIGHT_PAREN):
                self._at -= 1
            elif token.kind is not Kind.PIPE:
                self._unexpected(token, "operand")
            break
        if not operands:
            self._fail("empty command")
        return nodes.Command(position, tuple(operands))

    def _operand(self) -> nodes.Operand | None:
        node = self._term()
        if node is None or self._peek().kind is not Kind.FIELD:
            return node
        position = self._peek().position
        path: list[str] = []
        while self._peek().kind is Kind.FIELD:
            path.append(self._next().text[1:])
        if isinstance(node, nodes.Field):
            return nodes.Field(position, (*node.path, *path))
        if isinstance(node, nodes.Variable):
            return nodes.Variable(position, node.name, (*node.path, *path))
        if isinstance(node, _NOT_EXECUTABLE):
            self._fail("unexpected . after term")
        return nodes.Chain(position, node, tuple(path))

    def _term(self) -> nodes.Operand | None:
        token = self._next_word()
        position, text = token.position, token.text
        match token.kind:
            case Kind.IDENTIFIER:
                if text not in self._functions:
                    self._fail(f'function "{text}" not defined')
                return nodes.Identifier(position, text)
            case Kind.DOT:
                return nodes.Dot(position)
            case Kind.NIL:
                return nodes.Nil(position)
            case Kind.VARIABLE:
                if text not in self._scope:
                    self._fail(f'undefined variable "{text}"')
                return nodes.Variable(position, text, ())
            case Kind.FIELD:
                return nodes.Field(position, (text[1:],))
            case Kind.BOOL:
                return nodes.Bool(position, text == "true")
            case Kind.CHAR_CONSTANT | Kind.COMPLEX | Kind.NUMBER:
                return nodes.Number(position, self._number(token))
            case Kind.LEFT_PAREN:
                self._deeper()
                pipe = self._pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)
                self._depth -= 1
                return pipe
            case Kind.STRING | Kind.RAW_STRING:
                return nodes.String(position, self._unquoted(token))
        if self._at < self._last or token is not self._tokens[self._last]:
            self._at -= 1
        return None

    def _number(self, token: Token) -> literals.Constant:
        try:
            if token.kind is Kind.CHAR_CONSTANT:
                return literals.character(token.text)
            return literals.number(token.text)
        except literals.LiteralError as error:
            self._fail(str(error))


def _is_empty(items: _Items | tuple[nodes.Node, ...]) -> bool:
    """Whether a template is nothing but spaces and comments: another may take its name."""
    return all(isinstance(node, nodes.Text) and not node.text.strip() for node in items)
