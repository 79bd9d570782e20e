package main

import (
	"go/ast"
	"path"
	"strings"
	"testing"
)

// No exported API mentions a type of an owned module: its owner could be replaced alone.
// siptest, which only tests import, may speak the types of test libraries.
func TestForeignTypesStayInside(t *testing.T) {
	for _, f := range sourceFiles(t) {
		if f.test() || f.pkg == "sip/siptest" || strings.Contains(f.pkg+"/", "/internal/") {
			continue
		}
		foreign := foreignNames(f.ast)
		if len(foreign) == 0 {
			continue
		}
		for _, d := range f.ast.Decls {
			for _, e := range exportedTypes(d) {
				ast.Inspect(e, func(n ast.Node) bool {
					s, ok := n.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					if x, ok := s.X.(*ast.Ident); ok && foreign[x.Name] {
						t.Errorf("%s:%d: the API mentions %s.%s",
							f.path, f.line(n.Pos()), x.Name, s.Sel.Name)
					}
					return true
				})
			}
		}
	}
}

// foreignNames are the names a file knows owned modules by.
func foreignNames(f *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, i := range f.Imports {
		p := strings.Trim(i.Path.Value, `"`)
		for mod := range owners {
			if p != mod && !strings.HasPrefix(p, mod+"/") {
				continue
			}
			name := path.Base(p)
			if i.Name != nil {
				name = i.Name.Name
			}
			names[name] = true
		}
	}
	return names
}

// exportedTypes are the type expressions a declaration shows to other packages.
func exportedTypes(d ast.Decl) (list []ast.Node) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv.List[0].Type)) {
			list = append(list, d.Type)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				if s.Type != nil && s.Names[0].IsExported() {
					list = append(list, s.Type)
				}
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					list = append(list, shownBy(s.Type)...)
				}
			}
		}
	}
	return list
}

// exportedReceiver: methods of other types are there for the interfaces they implement.
func exportedReceiver(e ast.Expr) bool {
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// shownBy leaves the unexported fields of a struct out.
func shownBy(e ast.Expr) (list []ast.Node) {
	s, ok := e.(*ast.StructType)
	if !ok {
		return []ast.Node{e}
	}
	for _, f := range s.Fields.List {
		if len(f.Names) == 0 || f.Names[0].IsExported() {
			list = append(list, f.Type)
		}
	}
	return list
}
