package schema

// Load reads a policy: a file, or every *.yaml, *.yml and *.cue of a directory (*.test.yaml excepted), merged; checks it against
// the schema and the vocabulary, resolves names and route legality. The Document is nil when there are errors.
// err is only for what could not be read (exit code 3); a mistake in a policy is a diagnostic.
func Load(path string, v *Vocabulary) (*Document, Source, Diagnostics, error) { panic("contract") }

// LoadBytes is Load of one file's content; name decides between YAML and CUE.
func LoadBytes(name string, src []byte, v *Vocabulary) (*Document, Source, Diagnostics) {
	panic("contract")
}
