package resolve

import "testing"

func TestReadEBL(t *testing.T) {
	for _, test := range []struct {
		data string
		want Branch
	}{
		{"04016904653136340461727061" + "00", Branch{4, "i", "e164.arpa"}}, // of the draft
		{"00016904653136340461727061" + "00", Branch{0, "i", "e164.arpa"}},
		{"0403692e4e0465313634" + "00", Branch{4, "i.n", "e164"}},
		{"", Branch{}},
		{"04", Branch{}},
		{"0401", Branch{}},
		{"04ff69", Branch{}},
		{"040169", Branch{}},                          // no apex
		{"04016900", Branch{}},                        // the root
		{"040004653136340461727061" + "00", Branch{}}, // no separator
		{"04022e2e0465313634" + "00", Branch{}},       // one that is no name
		{"0401690465313634" + "0000", Branch{}},       // and more
		{"0401690465313634" + "c000", Branch{}},       // compressed
		{"0401690965313634" + "00", Branch{}},         // a label that ends behind
	} {
		got, ok := readEBL(test.data)
		if got != test.want || ok != (test.want != Branch{}) {
			t.Errorf("%s: want %+v, got %+v %v", test.data, test.want, got, ok)
		}
	}
}

// FuzzReadEBL: what anybody may have put into his zone is read or refused.
func FuzzReadEBL(f *testing.F) {
	f.Add("0401690465313634046172706100")
	f.Add("0401690465313634c000")
	f.Fuzz(func(t *testing.T, data string) {
		if b, ok := readEBL(data); ok && (b.Separator == "" || b.Apex == "" || b.Position > 255) {
			t.Errorf("%q is %+v", data, b)
		}
	})
}
