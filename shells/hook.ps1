# pwsh '@CLAUTH@'
