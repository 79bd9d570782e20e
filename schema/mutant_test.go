package schema_test

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sipedge/schema"
)

// TestMutants changes one node of a good policy, a few thousand times: it is renamed, removed,
// retyped or duplicated. A mutant that is refused is so with one error. One that is taken says
// something else than the policy did, or the same in other words: nothing that was written is
// taken and ignored.
func TestMutants(t *testing.T) {
	v := testVocabulary()
	rounds := 2400
	if testing.Short() || racing {
		rounds = 240
	}
	random := rand.New(rand.NewPCG(3, 4))
	good := mutable(t)
	refused, taken := 0, 0
	for i := range rounds {
		policy := good[i%len(good)]
		src := mutate(t, random, policy)
		doc, files, diags := schema.LoadBytes("policy.yaml", []byte(src), v)
		errors := 0
		for _, d := range diags {
			if d.Severity == schema.Error {
				errors++
			}
		}
		switch {
		case errors > 1:
			t.Errorf("%d errors of one mutation:\n%s\n%s", errors, diags.Text(files), src)
		case errors == 1:
			refused++
		case doc == nil:
			t.Errorf("neither document nor error:\n%s", src)
		default:
			taken++
			sameIfEqual(t, v, policy, src, doc)
		}
	}
	t.Logf("of %d mutants %d refused, %d taken", rounds, refused, taken)
	if refused < rounds/2 {
		t.Errorf("only %d of %d mutants were refused: the mutations prove nothing", refused, rounds)
	}
}

// sameIfEqual: when a mutant means what the policy meant, it says it too, in
// other words at most.
func sameIfEqual(t *testing.T, v *schema.Vocabulary, policy, mutant string, doc *schema.Document) {
	t.Helper()
	before, _, _ := schema.LoadBytes("policy.yaml", []byte(policy), v)
	if !cmp.Equal(before, doc, meaning...) {
		return
	}
	same, err := schema.SameData([]byte(policy), []byte(mutant))
	if err != nil {
		t.Fatal(err)
	}
	if !same {
		t.Errorf("taken, and means what it meant before:\n%s\n%s", policy, mutant)
	}
}

// mutable are the policies to mutate: the small ones and those of testdata/good.
func mutable(t *testing.T) []string {
	t.Helper()
	var good []string
	for _, policy := range small {
		doc, _, _ := schema.LoadBytes("policy.yaml", []byte(policy), testVocabulary())
		if doc != nil {
			good = append(good, policy)
		}
	}
	files, err := filepath.Glob("testdata/good/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if strings.HasSuffix(f.Name, ".yaml") && !strings.Contains(string(f.Data), "&") {
				good = append(good, string(f.Data))
			}
		}
	}
	return good
}
