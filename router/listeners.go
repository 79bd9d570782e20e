package router

import "sipedge/schema"

// listeners are the texts by which the matches of rules name listeners. Whether
// there are such listeners is for those to say who know them.
func listeners(rules []schema.Rule) (names []schema.Text) {
	var walk func(*schema.Value)
	walk = func(match *schema.Value) {
		for i := range match.Keys {
			switch k := &match.Keys[i]; k.Name {
			case "listener":
				k.Each(func(v *schema.Value) { names = append(names, schema.Text{S: v.S, Pos: v.Pos}) })
			case "all", "any", "not":
				k.Each(walk)
			}
		}
	}
	for i := range rules {
		if rules[i].Match != nil {
			walk(rules[i].Match)
		}
	}
	return names
}
