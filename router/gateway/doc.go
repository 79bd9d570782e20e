// Package gateway chooses among gateways, and knows which can be used: by what they answer to
// probes, by what calls tell, and by what an operator says (OpenSIPS: dispatcher). Its one law:
// a choice allocates nothing and waits for nobody.
package gateway
