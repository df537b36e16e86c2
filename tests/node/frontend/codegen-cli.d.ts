// What the configuration file imports of @graphql-codegen/cli, without its 250 packages: the type is an alias there too.
import type { Types } from "@graphql-codegen/plugin-helpers";
export type CodegenConfig = Types.Config;
