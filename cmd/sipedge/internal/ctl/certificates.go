package ctl

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
)

func (c *command) newCertificates() *cobra.Command {
	cmd := question(c, "certificates", "certificates",
		"List the certificates of the policy, and have them issued anew",
		`Lists the certificates of the policy, by name.

  ENDS   when the certificate does; -o json also tells of its CAs and revocation lists
  ERROR  why a CA did not issue it, or its files were not read again: what was stays;
         else that it has ended, or begins later: who checks it refuses it`,
		certificatesText)
	renew := &cobra.Command{
		Use:   "renew [CERTIFICATE]",
		Short: "Have a CA issue certificates now",
		Long: `Has CERTIFICATE, or every certificate that a CA issues by ACME, ordered now, with a new
key, whenever it is due. The command does not wait for the CA: ` + "`sipedge ctl certificates`" + `
tells what came of it. An order that fails is tried again, and what there was stays.`,
		Example:           "  sipedge ctl certificates renew\n  sipedge ctl certificates renew edge",
		ValidArgsFunction: c.completeCertificates,
	}
	answers(c, renew, "renew", "certificate", func(v *control.Ordered, w io.Writer) {
		fmt.Fprintf(w, "certificates ordered: %d\n", v.Ordered)
	})
	cmd.AddCommand(renew)
	return cmd
}

// completeCertificates offers those of the policy.
func (c *command) completeCertificates(
	_ *cobra.Command, args []string, _ string,
) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.complete(func(ctx context.Context, server *control.Client, offer func(string)) error {
		var all control.Certificates
		err := server.Do(ctx, "certificates", nil, nil, &all)
		for i := range all.Certificates {
			offer(all.Certificates[i].Name)
		}
		return err
	})
}

func certificatesText(v *control.Certificates, w io.Writer) {
	fmt.Fprintln(w, "CERTIFICATE\tENDS\tDOMAINS\tERROR")
	for _, c := range v.Certificates {
		ends := "-"
		for _, e := range c.Ends {
			if e.Of == "certificate" {
				ends = moment(e.At)
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Name, ends, strings.Join(c.Domains, " "),
			cmp.Or(c.Error, "-"))
	}
}
