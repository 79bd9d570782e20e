package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Sizes the source keeps to. Generated files (z*.go) are exempt.
const (
	maxCodeFile  = 400 // lines
	maxTestFile  = 600
	maxFunction  = 80  // not of tests: a table of cases is data
	maxLine      = 100 // columns, a tab counts as one
	maxPackage   = 2000
	maxSIP       = 3000
	maxInterface = 6 // methods
)

// upstairs are calls that only floor 8 may make: globals, environment, process.
var upstairs = map[string][]string{
	"os": {"Exit", "Getenv", "LookupEnv", "Environ", "ExpandEnv"},
	"slog": {
		"Default", "SetDefault", "Debug", "Info", "Warn", "Error", "DebugContext",
		"InfoContext", "WarnContext", "ErrorContext", "Log", "LogAttrs", "With",
	},
	"log":        {"Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf"},
	"prometheus": {"MustRegister", "Register", "DefaultRegisterer", "DefaultGatherer"},
	"promauto":   {"NewCounter", "NewGauge", "NewHistogram", "NewCounterVec", "NewGaugeVec"},
	"signal":     {"Notify", "NotifyContext", "Ignore"},
}

// testers are packages of tests, which ask the environment what must be there.
var testers = []string{
	"backends/backendtest", "sip/resolve/resolvetest", "sip/transport/transporttest",
	"sip/transport/transporttest/guest",
}

// noGoroutines are packages in which time and concurrency come from outside.
var noGoroutines = []string{"sip", "sip/dialog", "sip/transaction"}

// skipped are folders that hold no source of ours.
var skipped = map[string]bool{"testdata": true, "out": true}

type sourceFile struct {
	pkg, path string // relative to the module
	src       []byte
	fset      *token.FileSet
	ast       *ast.File
}

func (f *sourceFile) test() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f *sourceFile) line(p token.Pos) int { return f.fset.Position(p).Line }

// sourceFiles parses every Go file of the module.
func sourceFiles(t *testing.T) []*sourceFile {
	t.Helper()
	root := filepath.Join("..", "..")
	var files []*sourceFile
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); p != root && (skipped[name] || strings.HasPrefix(name, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") || strings.HasPrefix(d.Name(), "z") {
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, rel, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, &sourceFile{
			pkg: filepath.ToSlash(filepath.Dir(rel)), path: filepath.ToSlash(rel),
			src: src, fset: fset, ast: parsed,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSourceSizes(t *testing.T) {
	packages := map[string]int{}
	for _, f := range sourceFiles(t) {
		lines := bytes.Count(f.src, []byte("\n"))
		if limit := maxCodeFile; !f.test() && lines > limit {
			t.Errorf("%s: %d lines, more than %d", f.path, lines, limit)
		}
		if limit := maxTestFile; f.test() && lines > limit {
			t.Errorf("%s: %d lines, more than %d", f.path, lines, limit)
		}
		for n, l := range strings.Split(string(f.src), "\n") {
			if w := utf8.RuneCountInString(l); w > maxLine {
				t.Errorf("%s:%d: %d columns, more than %d", f.path, n+1, w, maxLine)
			}
			code := strings.TrimSpace(l)
			if !f.test() && code != "" && !strings.HasPrefix(code, "//") {
				packages[f.pkg]++
			}
		}
		checkDeclarations(t, f)
	}
	for pkg, lines := range packages {
		limit := maxPackage
		if pkg == "sip" {
			limit = maxSIP
		}
		if lines > limit {
			t.Errorf("%s: %d code lines, more than %d", pkg, lines, limit)
		}
	}
}

func checkDeclarations(t *testing.T, f *sourceFile) {
	t.Helper()
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			lines := f.line(n.End()) - f.line(n.Pos()) + 1
			if !f.test() && lines > maxFunction {
				t.Errorf("%s:%d: %s has %d lines, more than %d",
					f.path, f.line(n.Pos()), n.Name.Name, lines, maxFunction)
			}
		case *ast.InterfaceType:
			if n.Methods.NumFields() > maxInterface {
				t.Errorf("%s:%d: an interface of %d methods, more than %d",
					f.path, f.line(n.Pos()), n.Methods.NumFields(), maxInterface)
			}
		}
		return true
	})
}

func TestPackageComments(t *testing.T) {
	for _, p := range listPackages(t) {
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + filepath.Base(p.ImportPath) + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: its package comment begins %q, want %q", relative(p.ImportPath), p.Doc, want)
		}
	}
}

func TestUpstairsCalls(t *testing.T) {
	for _, f := range sourceFiles(t) {
		if f.test() || floorOf(f.pkg) == len(floors)-1 || slices.Contains(testers, f.pkg) {
			continue
		}
		imports := map[string]bool{}
		for _, i := range f.ast.Imports {
			imports[filepath.Base(strings.Trim(i.Path.Value, `"`))] = true
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok && slices.Contains(noGoroutines, f.pkg) {
				t.Errorf("%s:%d: %s starts a goroutine", f.path, f.line(g.Pos()), f.pkg)
			}
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := s.X.(*ast.Ident)
			if ok && imports[x.Name] && slices.Contains(upstairs[x.Name], s.Sel.Name) {
				t.Errorf("%s:%d: %s.%s belongs to floor 8",
					f.path, f.line(s.Pos()), x.Name, s.Sel.Name)
			}
			return true
		})
	}
}

// Every requirement says why it is there; tool requirements say so by their tool line.
func TestRequirementComments(t *testing.T) {
	b, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	in := false
	for n, l := range strings.Split(string(b), "\n") {
		switch {
		case strings.HasPrefix(l, "require ("):
			in = true
		case l == ")":
			in = false
		case in && !strings.Contains(l, "//"):
			t.Errorf("go.mod:%d: %s: no comment says why and where", n+1, strings.TrimSpace(l))
		}
	}
}
